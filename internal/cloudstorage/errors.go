package cloudstorage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/castrolanda/imsctl/internal/endpoint"
)

// sessionID is the id of a resumable upload in an address. Whoever has it can write the object.
var sessionID = regexp.MustCompile(`upload_id=[^&"\s]+`)

// checkCredentials is what to do when credentials are refused.
const checkCredentials = "check credentials_file or GOOGLE_APPLICATION_CREDENTIALS, and that the key was not revoked"

// quote repeats what a server or the client says, without the ids of sessions.
func quote(said string) string {
	return endpoint.Quote(sessionID.ReplaceAllString(said, "upload_id=…"))
}

// Explain turns an error of the client into one of package endpoint, as far as it is one that people act on. permission is what
// the call needs of the bucket, in the words of IAM.
func Explain(ctx context.Context, err error, bucket, permission string) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if refused := new(tokenError); errors.As(err, &refused) {
		return explainToken(refused)
	}
	if errors.Is(err, storage.ErrBucketNotExist) {
		return noBucket(bucket)
	}
	if answer := new(googleapi.Error); errors.As(err, &answer) {
		return explainAnswer(answer, bucket, permission)
	}
	if errors.Is(err, storage.ErrObjectNotExist) {
		return endpoint.ErrNotExist
	}
	if endpoint.IsBroken(err) {
		return fmt.Errorf("%w: there was no whole answer: %s", endpoint.ErrTemporary, quote(err.Error()))
	}
	return errors.New(quote(err.Error()))
}

// explainToken says why credentials gave no token.
func explainToken(refused *tokenError) error {
	answer, said := new(auth.Error), quote(refused.Error())
	answered := errors.As(refused.err, &answer)
	if answered && answer.Temporary() || !answered && endpoint.IsBroken(refused.err) {
		return fmt.Errorf("%w: asking for a token with %s: %s", endpoint.ErrTemporary, refused.whose, said)
	}
	if strings.Contains(said, "private key") {
		said = "the private key cannot be read" // the decoder's words are about the key itself
	}
	return fmt.Errorf("%w: %s gave no token: %s: %s", endpoint.ErrDenied, refused.whose, checkCredentials, said)
}

func noBucket(bucket string) error {
	return fmt.Errorf("there is no bucket %s: correct the name, or create it: gcloud storage buckets create gs://%s", bucket, bucket)
}

// explainAnswer says what an answer of the store means.
func explainAnswer(answer *googleapi.Error, bucket, permission string) error {
	said := answer.Message
	if said == "" {
		said = answer.Body
	}
	said = quote(said)
	switch {
	case endpoint.IsBusy(answer.Code), hasReason(answer, "rateLimitExceeded", "userRateLimitExceeded"):
		return fmt.Errorf("%w: the store answered %d: %s", endpoint.ErrTemporary, answer.Code, said)
	case isProtection(answer):
		return fmt.Errorf("%w: %s", endpoint.ErrProtected, said)
	case answer.Code == http.StatusUnauthorized:
		return fmt.Errorf("%w: the store does not accept the credentials: %s: %s", endpoint.ErrDenied, checkCredentials, said)
	case answer.Code == http.StatusForbidden:
		return fmt.Errorf("%w: grant %s on bucket %s to whom the credentials belong to: %s", endpoint.ErrDenied, permission, bucket, said)
	case answer.Code == http.StatusNotFound && strings.Contains(said, "bucket does not exist"):
		return noBucket(bucket)
	case answer.Code == http.StatusNotFound:
		return endpoint.ErrNotExist
	case answer.Code == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %s", endpoint.ErrChanged, said)
	}
	return fmt.Errorf("the store answered %d: %s", answer.Code, said)
}

// hasReason reports whether an answer gives one of some reasons.
func hasReason(answer *googleapi.Error, reasons ...string) bool {
	return slices.ContainsFunc(answer.Errors, func(item googleapi.ErrorItem) bool { return slices.Contains(reasons, item.Reason) })
}

// isProtection reports whether an answer means that a rule of the store keeps the object.
func isProtection(answer *googleapi.Error) bool {
	if answer.Code != http.StatusForbidden && answer.Code != http.StatusPreconditionFailed {
		return false
	}
	said := strings.ToLower(answer.Message)
	return hasReason(answer, "retentionPolicyNotMet", "objectUnderActiveHold") || strings.Contains(said, "is under active") || strings.Contains(said, "retention policy")
}
