package compression

// Profile is a method and a level under a name that says what it is for.
type Profile struct {
	Name   string
	Method string
	Level  int
}

// Profiles are the profiles that need no declaration and name a method. Auto, which chooses one, is not among them.
func Profiles() []Profile {
	return []Profile{
		{Name: "maximum", Method: "xz", Level: 9},
		{Name: "balanced", Method: "gzip", Level: 6},
		{Name: "fast", Method: "gzip", Level: 1},
	}
}
