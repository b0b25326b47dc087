package providers

import "strings"

// releasePrefix begins the repositories of images of releases.
const releasePrefix = "imsctl-"

// ReleaseRepository is the repository of the names that the releases of a compose project give their images, so that they are there
// for the way back: "imsctl-ims", of which a name is "imsctl-ims:20261128T190000Z-a1b2c3d.web".
func ReleaseRepository(project string) string { return releasePrefix + project }

// ReleasedProject is the compose project whose release gave an image a name, and whether a release did.
func ReleasedProject(name string) (project string, released bool) {
	repository, tag, tagged := strings.Cut(name, ":")
	project, ours := strings.CutPrefix(repository, releasePrefix)
	id, service, whole := strings.Cut(tag, ".")
	return project, ours && tagged && whole && project != "" && !strings.Contains(project, "/") && id != "" && service != ""
}
