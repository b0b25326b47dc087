package planner

import "errors"

// strategy is the way in which a deploy is made, and why in a few words.
func (c *deployCase) strategy(action *Deploy) (name, because string, err error) {
	declared := c.deploy.Strategy
	if c.options.Strategy != "" {
		return c.options.Strategy, "asked for", nil
	}
	if action.Cause == CauseDrift {
		return "local", "the revision is there", nil
	}
	if declared != "auto" {
		return declared, "declared", nil
	}
	return "", "", errors.New("no strategy is recommended")
}
