package starter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

// maxFileSize is the size above which a file is no compose file, in bytes.
const maxFileSize = 16 << 20

// FromCompose finds what the compose project of a file has to back up. Variables are filled in from environment
// ("NAME=value" each) and then from the file .env beside the compose file, as compose does; services of all profiles count.
// folder is where the specification will be: paths below it are written relative to it.
func FromCompose(ctx context.Context, file, folder string, environment []string) (*Starter, error) {
	project, err := readProject(ctx, file, environment)
	if err != nil {
		return nil, err
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	found := &finder{
		project: project, folder: folder,
		starter:  &Starter{Project: project.Name, Warnings: project.warnings},
		names:    make(map[string]bool),
		secrets:  make(map[string]string),
		database: make(map[string]string),
		taken:    make(map[string]bool),
	}
	found.find()
	if len(found.starter.Sources) == 0 {
		return nil, nothingFound(file, found.starter.LeftOut)
	}
	found.starter.Variables = slices.Sorted(maps.Keys(found.secrets))
	return found.starter, nil
}

// nothingFound says that a project has nothing to back up.
func nothingFound(file string, omissions []Omission) error {
	var b strings.Builder
	fmt.Fprintf(&b, "there is nothing to back up in %s: it has no PostgreSQL or Redis service, and no volumes or folders of other services that can be kept. "+
		"Run init without -from-compose for an empty specification", file)
	for _, omission := range omissions {
		fmt.Fprintf(&b, "\nLeft out %s: %s.", omission.What, omission.Why)
	}
	return errors.New(b.String())
}

// project is a compose project, read twice.
type project struct {
	*types.Project
	// raw are the services as they are written, with the names of variables instead of their values.
	raw      map[string]any
	warnings []string
}

// readProject reads a compose file with its variables filled in, and once more without.
func readProject(ctx context.Context, file string, environment []string) (*project, error) {
	content, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the compose file: %w", err)
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(path)
	variables, err := environmentOf(folder, environment)
	if err != nil {
		return nil, err
	}
	details := func() types.ConfigDetails {
		return types.ConfigDetails{
			WorkingDir: folder, Environment: maps.Clone(variables), ConfigFiles: []types.ConfigFile{{Filename: path, Content: content}},
		}
	}
	name := func(options *loader.Options) {
		options.Interpolate.Substitute = substitute
		chosen, explicit := variables["COMPOSE_PROJECT_NAME"]
		if chosen == "" {
			chosen, explicit = loader.NormalizeProjectName(filepath.Base(folder)), false
		}
		if chosen == "" {
			chosen = "project"
		}
		options.SetProjectName(chosen, explicit)
		options.Profiles = []string{"*"}
	}
	var loaded *types.Project
	warnings, err := warned(func() (err error) {
		loaded, err = loader.LoadWithContext(ctx, details(), name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the compose file %s: %w", file, err)
	}
	if len(loaded.Services) == 0 {
		return nil, fmt.Errorf("reading the compose file %s: it has no services", file)
	}
	var model map[string]any
	_, err = warned(func() (err error) {
		model, err = loader.LoadModelWithContext(ctx, details(), name, func(options *loader.Options) {
			options.SkipInterpolation, options.SkipValidation, options.SkipConsistencyCheck = true, true, true
			options.SkipNormalization, options.SkipResolveEnvironment = true, true
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the compose file %s without its variables: %w", file, err)
	}
	raw, _ := model["services"].(map[string]any)
	return &project{Project: loaded, raw: raw, warnings: warnings}, nil
}

// substitute fills variables in. A text that it cannot read may be a password with a $ in it, and is not repeated.
func substitute(text string, variables template.Mapping) (string, error) {
	result, err := template.Substitute(text, variables)
	if invalid := new(template.InvalidTemplateError); errors.As(err, &invalid) {
		return "", errors.New("a $ begins no variable; write $$ for a $ that is meant itself")
	}
	return result, err
}

// readFile reads an ordinary file.
func readFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder; name the file in it, such as %s", file, filepath.Join(file, "compose.yaml"))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not an ordinary file", file)
	case info.Size() > maxFileSize:
		return nil, fmt.Errorf("%s is larger than any compose file", file)
	}
	content, err := os.ReadFile(file)
	if err == nil && len(bytes.TrimSpace(content)) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	}
	return content, err
}

// environmentOf is the process's environment, and below it the file .env of a project.
func environmentOf(folder string, environment []string) (types.Mapping, error) {
	variables := types.NewMapping(environment)
	file := filepath.Join(folder, ".env")
	if info, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return variables, nil
	}
	if _, err := os.ReadFile(file); err != nil {
		return nil, fmt.Errorf("reading the variables of the compose project: %w", err)
	}
	more, err := dotenv.GetEnvFromFile(variables, []string{file})
	if err != nil {
		// The error repeats what it cannot read, which may be a secret.
		return nil, fmt.Errorf("reading the variables of the compose project: %s has a line that compose cannot read; "+
			"write NAME=value, and a value with a $ in single quotes", file)
	}
	return variables.Merge(more), nil
}

// warned calls read and collects what the compose library warns of, which it would print by itself.
func warned(read func() error) ([]string, error) {
	var log bytes.Buffer
	logger := logrus.StandardLogger()
	output, formatter := logger.Out, logger.Formatter
	logger.SetOutput(&log)
	logger.SetFormatter(messages{})
	defer func() {
		logger.SetOutput(output)
		logger.SetFormatter(formatter)
	}()
	err := read()
	data, _ := io.ReadAll(&log) // a buffer never fails
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' }), err
}

// messages formats a log entry as its message alone.
type messages struct{}

// Format implements logrus.Formatter.
func (messages) Format(entry *logrus.Entry) ([]byte, error) {
	if entry.Level > logrus.WarnLevel {
		return nil, nil
	}
	return []byte(printable(entry.Message) + "\n"), nil
}
