// Manifests reads Kubernetes manifests on standard input and says what an API server would refuse about them: unknown fields,
// wrong types, and values that its own validation does not let pass.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
)

func main() {
	count, err := check(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(count)
}

// check returns how many manifests there are, and everything that is wrong with them.
func check(input io.Reader) (int, error) {
	codecs := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	reader := yaml.NewYAMLReader(bufio.NewReader(input))
	var errs []error
	for count := 0; ; count++ {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return count, errors.Join(errs...)
		}
		if err != nil {
			return count, err
		}
		object, _, err := codecs.UniversalDecoder().Decode(text, nil, nil)
		if err != nil {
			errs = append(errs, fmt.Errorf("manifest %d: %w", count+1, err))
			continue
		}
		if err := validate(object).ToAggregate(); err != nil {
			errs = append(errs, fmt.Errorf("manifest %d: %w", count+1, err))
		}
	}
}

// validate is what the API server does with a new object, in the namespace that kubectl puts it into.
func validate(object runtime.Object) field.ErrorList {
	switch object := object.(type) {
	case *batch.CronJob:
		object.Namespace = core.NamespaceDefault
		options := pod.GetValidationOptionsFromPodTemplate(&object.Spec.JobTemplate.Spec.Template, nil)
		return batchvalidation.ValidateCronJobCreate(object, options)
	case *core.PersistentVolumeClaim:
		object.Namespace = core.NamespaceDefault
		return corevalidation.ValidatePersistentVolumeClaim(object, corevalidation.ValidationOptionsForPersistentVolumeClaim(object, nil))
	default:
		return field.ErrorList{field.NotSupported(field.NewPath("kind"), fmt.Sprintf("%T", object), []string{"CronJob", "PersistentVolumeClaim"})}
	}
}
