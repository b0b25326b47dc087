package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// shapeSizes are how many backups a specification of each shape declares.
var shapeSizes = []int{500, 1_000, 2_000, 5_000, 8_000}

// shape is a way to declare many backups: shapes in which other tools take time that grows faster than the specification.
type shape struct {
	name  string
	write func(n int) string
}

var shapes = []shape{
	{"separate blocks", separateBlocks},
	{"for_each over a map", func(n int) string { return instances("local.all", mapOf(n), "source.command.one") }},
	{"for_each over a set", func(n int) string { return instances("toset(keys(local.all))", mapOf(n), "source.command.one") }},
	{"b[k] → a[k]", crossReferences},
	{"chain r(i) → r(i-1)", chain},
}

const shapeHead = "destination \"local\" \"a\" {\n  path = \"a\"\n}\nsource \"command\" \"one\" {\n  command = [\"true\"]\n}\n"

const shapeBody = "  to    = [destination.local.a]\n  every = \"24h\"\n"

func separateBlocks(n int) string {
	var b strings.Builder
	b.WriteString(shapeHead)
	for i := range n {
		fmt.Fprintf(&b, "backup \"b%d\" {\n  source = source.command.one\n%s}\n", i, shapeBody)
	}
	return b.String()
}

func mapOf(n int) string {
	var b strings.Builder
	b.WriteString("locals {\n  all = {\n")
	for i := range n {
		fmt.Fprintf(&b, "    k%d = \"v%d\"\n", i, i)
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

func instances(each, values, source string) string {
	return shapeHead + values + "backup \"b\" {\n  for_each = " + each + "\n  source = " + source + "\n" + shapeBody + "}\n"
}

// crossReferences has half as many sources and half as many backups, each of which refers to one of them.
func crossReferences(n int) string {
	return instances("local.all", mapOf(n/2)+"source \"command\" \"a\" {\n  for_each = local.all\n  command = [each.value]\n}\n", "source.command.a[each.key]")
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString(shapeHead)
	for i := range n {
		fmt.Fprintf(&b, "backup \"b%d\" {\n  source = source.command.one\n%s", i, shapeBody)
		if i > 0 {
			fmt.Fprintf(&b, "  depends_on = [backup.b%d]\n", i-1)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// measureShapes plans every shape in every size, and fits how the time grows.
func measureShapes(ctx context.Context, s settings, folder, program string, r *report) error {
	for _, shape := range shapes {
		var sizes, medians []float64
		for _, n := range shapeSizes {
			n = max(10, int(float64(n)*s.scale))
			plans, err := measureShape(ctx, s, folder, program, shape, n)
			if err != nil {
				return err
			}
			plans.rows(r, fmt.Sprintf("imsctl plan -refresh=false, %s, %d", shape.name, n))
			sizes, medians = append(sizes, float64(n)), append(medians, plans.wall.median())
		}
		r.row(shape.name+": exponent fitted over the sizes", series{exponent(sizes, medians)}, ratio)
	}
	return nil
}

// measureShape plans one shape in one size.
func measureShape(ctx context.Context, s settings, folder, program string, shape shape, n int) (measured, error) {
	at := filepath.Join(folder, "shape")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return measured{}, err
	}
	if err := os.WriteFile(filepath.Join(at, "main.hcl"), []byte(shape.write(n)), 0o600); err != nil {
		return measured{}, err
	}
	return repeat(ctx, s, fmt.Sprintf("plan of %d in %s", n, shape.name), func() (usage, error) {
		var output counterWithTail
		command := newCommand(ctx, program, "plan", "-refresh=false", at)
		command.Stdout = &output
		took, err := measure(ctx, command)
		if err == nil && !strings.Contains(string(output.tail), " to back up") {
			err = fmt.Errorf("the plan ends with %q", output.tail)
		}
		return took, err
	})
}

// exponent is the slope of a straight line through the logarithms, by least squares: 1 is linear, 2 quadratic.
func exponent(sizes, times []float64) float64 {
	var sumX, sumY, sumXX, sumXY float64
	for i := range sizes {
		x, y := math.Log(sizes[i]), math.Log(times[i])
		sumX, sumY, sumXX, sumXY = sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	n := float64(len(sizes))
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}
