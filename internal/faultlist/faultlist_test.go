package faultlist

import "testing"

func TestTake(t *testing.T) {
	list := New[string]()
	list.Add("a", 1, 2)
	list.Add("b", 0, 0)
	fits := func(want string) func(string) bool {
		return func(fault string) bool { return fault == want || want == "" }
	}
	for i, test := range []struct {
		want, got string
		befalls   bool
	}{
		{"a", "", false}, {"a", "a", true}, {"c", "", false}, {"", "a", true}, {"a", "", false}, {"", "b", true}, {"", "b", true},
	} {
		if got, befalls, _ := list.Take(fits(test.want)); got != test.got || befalls != test.befalls {
			t.Errorf("call %d: %q, %v", i, got, befalls)
		}
	}
	if hits := list.Hits(); hits != 4 {
		t.Errorf("%d hits", hits)
	}
}

func TestHeal(t *testing.T) {
	list := New[int]()
	list.Add(1, 0, 0)
	_, befalls, released := list.Take(func(int) bool { return true })
	if !befalls {
		t.Error("nothing happened")
	}
	list.Heal()
	<-released
	_, befalls, released = list.Take(func(int) bool { return true })
	select {
	case <-released:
		t.Error("what stalls from now on is ended")
	default:
	}
	if befalls {
		t.Error("there are faults after healing")
	}
}
