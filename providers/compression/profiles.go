package compression

// Profile is a method and a level under a name that says what it is for.
type Profile struct {
	Name   string
	Method string
	Level  int
}

// Profiles are the profiles that need no declaration. Auto is not among them: its name is only reserved.
func Profiles() []Profile {
	return []Profile{
		{Name: "maximum", Method: "xz", Level: 9},
		{Name: "balanced", Method: "gzip", Level: 6},
		{Name: "fast", Method: "gzip", Level: 1},
	}
}
