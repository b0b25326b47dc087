package providers

import "testing"

func TestReleasedProject(t *testing.T) {
	for name, want := range map[string]string{
		ReleaseRepository("ims") + ":20261128T190000Z-a1b2c3d.web": "ims", "imsctl-a-b:1.x": "a-b",
		"imsctl-ims:latest": "", "imsctl-ims": "", "ims:1.2": "", "imsctl-:1.x": "", "imsctl-a/b:1.x": "", "localhost:5000/imsctl-a:1.x": "", "imsctl-ims:.x": "", "imsctl-ims:1.": "", "": "",
	} {
		if project, released := ReleasedProject(name); released != (want != "") || released && project != want {
			t.Errorf("%q: got %q, %v", name, project, released)
		}
	}
}
