package strategy

import (
	"encoding/json"
	"time"
)

// MarshalJSON writes the value, or null where it is not known.
func (k Known[T]) MarshalJSON() ([]byte, error) {
	if !k.known {
		return []byte("null"), nil
	}
	return json.Marshal(k.value)
}

// MarshalJSON writes the facts with null for what is not known. Durations are in seconds.
func (f Facts) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Running       Known[string]           `json:"running"`
		Wanted        Known[string]           `json:"wanted"`
		Files         Known[map[FileKind]int] `json:"files"`
		Commits       Known[[]Commit]         `json:"commits"`
		Uncommitted   Known[int]              `json:"uncommitted"`
		Remote        Known[Reach]            `json:"remote"`
		FromHost      Known[Reach]            `json:"remote_from_host"`
		Host          Known[Reach]            `json:"host"`
		Published     Known[bool]             `json:"published"`
		Agent         Known[bool]             `json:"agent"`
		BusinessHours Known[Hours]            `json:"business_hours"`
		Freeze        Known[Freeze]           `json:"freeze"`
		Last          Known[Deploy]           `json:"last_deploy"`
		Containers    Known[Containers]       `json:"containers"`
		Backup        Known[Backup]           `json:"backup"`
		Disk          Known[Disk]             `json:"disk"`
	}(f))
}

// MarshalJSON writes the time in seconds.
func (r Reach) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Reachable bool    `json:"reachable"`
		Took      float64 `json:"took_seconds"`
	}{r.Reachable, r.Took.Seconds()})
}

// MarshalJSON writes whether it is now.
func (h Hours) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Declared bool   `json:"declared"`
		Inside   bool   `json:"inside"`
		Zone     string `json:"zone"`
	}(h))
}

// MarshalJSON writes its end in UTC; null, twice, where there is none.
func (f Freeze) MarshalJSON() ([]byte, error) {
	var out struct {
		Name  *string    `json:"name"`
		Until *time.Time `json:"until"`
	}
	if f.Active() {
		until := f.Until.UTC()
		out.Name, out.Until = &f.Name, &until
	}
	return json.Marshal(out)
}

// MarshalJSON writes the age in seconds; null, three times, where there was none.
func (d Deploy) MarshalJSON() ([]byte, error) {
	var out struct {
		Strategy *Strategy `json:"strategy"`
		Result   *Result   `json:"result"`
		Age      *float64  `json:"age_seconds"`
	}
	if d != (Deploy{}) {
		age := d.Age.Seconds()
		out.Strategy, out.Result, out.Age = &d.Strategy, &d.Result, &age
	}
	return json.Marshal(out)
}

// MarshalJSON writes the numbers.
func (c Containers) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Healthy   int `json:"healthy"`
		Unhealthy int `json:"unhealthy"`
	}(c))
}

// MarshalJSON writes ages in seconds; null for one that is not there, and for a limit that is none.
func (b Backup) MarshalJSON() ([]byte, error) {
	out := struct {
		Required bool     `json:"required"`
		Found    bool     `json:"found"`
		Age      *float64 `json:"age_seconds"`
		MaxAge   *float64 `json:"max_age_seconds"`
	}{Required: b.Required, Found: b.Found}
	if b.Found {
		age := b.Age.Seconds()
		out.Age = &age
	}
	if b.MaxAge > 0 {
		limit := b.MaxAge.Seconds()
		out.MaxAge = &limit
	}
	return json.Marshal(out)
}

// MarshalJSON writes bytes; null for a size that is not known.
func (d Disk) MarshalJSON() ([]byte, error) {
	out := struct {
		Free  int64  `json:"free_bytes"`
		Total *int64 `json:"total_bytes"`
	}{Free: d.Free}
	if d.Total > 0 {
		out.Total = &d.Total
	}
	return json.Marshal(out)
}
