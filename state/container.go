package state

import "errors"

// Container is the container that was read.
type Container struct {
	Name string `json:"name"`
	// ID is the engine's own identification of it: another one of the same name has another.
	ID string `json:"id"`
	// Image is the name of what it was made from, ImageID the digest of what that was.
	Image   string `json:"image,omitempty"`
	ImageID string `json:"image_id,omitempty"`
	// Health is healthy, unhealthy or starting; empty where it has no health check.
	Health string `json:"health,omitempty"`
}

// check says what a container lacks.
func (c *Container) check() error {
	if c != nil && (c.Name == "" || c.ID == "") {
		return errors.New("it has no name or no id")
	}
	return nil
}
