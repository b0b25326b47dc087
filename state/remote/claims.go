package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/state"
)

// mostClaims is how many claims there may be at once.
const mostClaims = 1000

// claimSuffix is what the names of claims end with.
const claimSuffix = ".json"

// ClaimName is the name of the claim with a number.
func ClaimName(number int) string { return strconv.Itoa(number) + claimSuffix }

// ClaimNumbers are the numbers of claims, in order, whose names have a prefix before them. Other names are left out.
func ClaimNumbers(names []string, prefix string) []int {
	var numbers []int
	for _, name := range names {
		digits, isClaim := strings.CutSuffix(strings.TrimPrefix(name, prefix), claimSuffix)
		if number, err := strconv.Atoi(digits); err == nil && isClaim && prefix+ClaimName(number) == name {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// claimed is a claim that somebody has, or had until it died.
type claimed struct {
	number int
	holder Holder
	alive  bool
}

// claims are those that have a holder.
func (b *Backend) claims(ctx context.Context) ([]claimed, error) {
	numbers, err := b.medium.Claims(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]claimed, len(numbers))
	err = Each(ctx, len(numbers), func(ctx context.Context, i int) error {
		holder, held, err := b.medium.Claim(numbers[i]).Holder(ctx)
		found[i] = claimed{number: numbers[i], holder: holder, alive: held && !holder.Dead()}
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(claim claimed) bool { return claim.holder.ID == "" }), nil
}

// admit lets somebody in who has taken the lock, if nobody has claimed what he wants to change; none of blocks is everything. The claims of
// holders that are dead are ended, so that they do not come back to life behind his back.
func (b *Backend) admit(ctx context.Context, blocks []string) error {
	claims, err := b.claims(ctx)
	if err != nil {
		return fmt.Errorf("looking who has claimed what of the state %s: %w", b.Location(), err)
	}
	for _, claim := range claims {
		if _, overlaps := state.Overlap(blocks, claim.holder.Blocks); !overlaps && len(blocks) > 0 {
			continue
		}
		if claim.alive {
			return Locked(b.Location(), claim.holder, LeaseTime)
		}
		if _, err := b.medium.Claim(claim.number).Break(ctx, claim.holder.ID); err != nil && !errors.Is(err, ErrNotLocked) {
			return fmt.Errorf("ending the claim of %s, who is gone: %w", claim.holder.LockInfo, err)
		}
	}
	return nil
}

// occupy takes the first claim that is free. The caller has the lock.
func (b *Backend) occupy(ctx context.Context, holder Holder) (Lease, error) {
	for number := range mostClaims {
		lease, err := b.medium.Claim(number).Acquire(ctx, holder)
		if locked := new(state.LockedError); errors.As(err, &locked) {
			continue
		}
		return lease, err
	}
	return nil, fmt.Errorf("the state %s has %d claims already", b.Location(), mostClaims)
}

// Holders implements state.Claimer.
func (b *Backend) Holders(ctx context.Context) ([]state.LockInfo, error) {
	claims, err := b.claims(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking who has claimed what of the state %s: %w", b.Location(), err)
	}
	whole, held, err := b.holder(ctx)
	if err != nil {
		return nil, err
	}
	var holders []state.LockInfo
	if held && len(whole.Blocks) == 0 {
		holders = append(holders, whole.LockInfo)
	}
	for _, claim := range claims {
		if claim.alive {
			holders = append(holders, claim.holder.LockInfo)
		}
	}
	return holders, nil
}
