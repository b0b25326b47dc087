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

// ClaimsIn are the claims of a medium whose locks are parts, with a prefix before the names of claims.
func ClaimsIn(ctx context.Context, medium Medium, prefix string) ([]Claimed, error) {
	names, err := medium.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	return claimsOf(ctx, medium, ClaimNumbers(names, prefix))
}

// claimsOf asks each of some claims who has it.
func claimsOf(ctx context.Context, medium Medium, numbers []int) ([]Claimed, error) {
	found := make([]Claimed, len(numbers))
	err := Each(ctx, len(numbers), func(ctx context.Context, i int) error {
		holder, held, err := medium.Claim(numbers[i]).Holder(ctx)
		found[i] = Claimed{Number: numbers[i], Holder: holder, Held: held}
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(claim Claimed) bool { return claim.Holder.ID == "" }), nil
}

// claims are those that have a holder.
func (b *Backend) claims(ctx context.Context) ([]Claimed, error) {
	claims, err := b.medium.Claims(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking who has claimed what of the state %s: %w", b.Location(), err)
	}
	return claims, nil
}

// look returns the claims of the dead on what somebody wants to change, or the *state.LockedError of one who lives; none of blocks is everything.
func (b *Backend) look(ctx context.Context, blocks []string) ([]Claimed, error) {
	claims, err := b.claims(ctx)
	if err != nil {
		return nil, err
	}
	var dead []Claimed
	for _, claim := range claims {
		if _, overlaps := state.Overlap(blocks, claim.Holder.Blocks); !overlaps && len(blocks) > 0 {
			continue
		}
		if claim.Alive() {
			return nil, Locked(b.Location(), claim.Holder, LeaseTime)
		}
		dead = append(dead, claim)
	}
	return dead, nil
}

// admit lets somebody in who has taken the lock, if nobody has claimed what he wants to change. The claims of the dead are ended, so that they
// do not come back to life behind his back.
func (b *Backend) admit(ctx context.Context, blocks []string) error {
	dead, err := b.look(ctx, blocks)
	if err != nil {
		return err
	}
	for _, claim := range dead {
		if _, err := b.medium.Claim(claim.Number).Break(ctx, claim.Holder.ID); err != nil && !errors.Is(err, ErrNotLocked) {
			return fmt.Errorf("ending the claim of %s, who is gone: %w", claim.Holder.LockInfo, err)
		}
	}
	return nil
}

// occupy takes the first claim that is free, and asks again while the server does not answer. What such an attempt has taken all the same is
// found to be the holder's, or ends by itself.
func (s *session) occupy(holder Holder) (Lease, error) {
	var lease Lease
	err := s.persist(s.backend.options.Patience, func(ctx context.Context) (err error) {
		for number := range mostClaims {
			lease, err = s.backend.medium.Claim(number).Acquire(ctx, holder)
			if locked := new(state.LockedError); !errors.As(err, &locked) {
				return err
			}
		}
		return fmt.Errorf("the state %s has %d claims already", s.backend.Location(), mostClaims)
	})
	return lease, err
}

// Holders implements state.Claimer.
func (b *Backend) Holders(ctx context.Context) ([]state.LockInfo, error) {
	claims, err := b.claims(ctx)
	if err != nil {
		return nil, err
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
		if claim.Alive() {
			holders = append(holders, claim.Holder.LockInfo)
		}
	}
	return holders, nil
}
