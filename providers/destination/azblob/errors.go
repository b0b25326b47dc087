package azblob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/providers"
)

// need is a permission that a call needs, in the words of shared access signatures.
type need string

const (
	needRead   need = "read (r)"
	needWrite  need = "create and write (c, w)"
	needDelete need = "delete (d)"
	needList   need = "list (l)"
)

// quote repeats what a server or the client says, without credentials.
func (d *destination) quote(said string) string {
	return endpoint.Quote(d.connection.access.conceal(said))
}

// explain turns an error of the client into one of the contract's.
func (d *destination) explain(ctx context.Context, err error, needed need) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if answer := new(azcore.ResponseError); errors.As(err, &answer) {
		return d.explainAnswer(answer, needed)
	}
	if refused := new(azidentity.AuthenticationFailedError); errors.As(err, &refused) {
		if refused.RawResponse == nil && endpoint.IsBroken(err) || refused.RawResponse != nil && endpoint.IsBusy(refused.RawResponse.StatusCode) {
			return fmt.Errorf("%w: asking for a token: %s", providers.ErrTemporary, d.quote(err.Error()))
		}
		return fmt.Errorf("%w: Azure's default credentials gave no token: run az login, set AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret, "+
			"or give account_key or sas_token: %s", providers.ErrDenied, d.quote(err.Error()))
	}
	if unknown := new(net.DNSError); errors.As(err, &unknown) && unknown.IsNotFound {
		return fmt.Errorf("there is no server %s: correct the name of the storage account or the endpoint", unknown.Name)
	}
	// The client says the whole address of the request, and with it the signature.
	said := err
	if request := new(url.Error); errors.As(err, &request) {
		said = request.Err
	}
	if endpoint.IsBroken(err) {
		return fmt.Errorf("%w: there was no whole answer: %s", providers.ErrTemporary, d.quote(said.Error()))
	}
	return errors.New(d.quote(said.Error()))
}

// explainAnswer says what an answer of the store means.
func (d *destination) explainAnswer(answer *azcore.ResponseError, needed need) error {
	said := d.said(answer)
	switch code := bloberror.Code(answer.ErrorCode); {
	case endpoint.IsBusy(answer.StatusCode):
		return fmt.Errorf("%w: the store answered %s", providers.ErrTemporary, said)
	case code == bloberror.MD5Mismatch:
		return fmt.Errorf("%w: what was sent was damaged on the way: the store answered %s", providers.ErrTemporary, said)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: %s: the store answered %s", providers.ErrDenied, d.missing(code, needed), said)
	case code == bloberror.ContainerNotFound:
		return fmt.Errorf("there is no container %s in the storage account: correct the name, or create it: az storage container create --name %s",
			d.container, d.container)
	case answer.StatusCode == http.StatusNotFound:
		return providers.ErrNotExist
	case isProtection(code):
		return fmt.Errorf("%w: an immutability policy or a legal hold: the store answered %s", providers.ErrProtected, said)
	case strings.HasPrefix(string(code), "LeaseId"):
		return fmt.Errorf("%w: somebody holds a lease on it, which az storage blob lease break ends: the store answered %s", providers.ErrProtected, said)
	case code == bloberror.SnapshotsPresent:
		return fmt.Errorf("it has snapshots, which are not imsctl's to delete: delete them first: the store answered %s", said)
	case code == bloberror.BlobArchived, code == bloberror.BlobBeingRehydrated:
		return fmt.Errorf("it is in the archive tier: move it to another one and wait until it is there: the store answered %s", said)
	case code == bloberror.InvalidBlockList, code == bloberror.InvalidBlobOrBlock:
		return fmt.Errorf("the store no longer has the parts of the upload: another one to the same name has ended meanwhile: the store answered %s", said)
	case code == bloberror.BlobAlreadyExists:
		return providers.ErrExists
	case answer.StatusCode == http.StatusPreconditionFailed, code == bloberror.ConditionNotMet:
		return fmt.Errorf("%w: the store answered %s", providers.ErrChanged, said)
	}
	return fmt.Errorf("the store answered %s", said)
}

// isProtection reports whether a code means that a rule of the store keeps the blob.
func isProtection(code bloberror.Code) bool {
	return code == bloberror.BlobImmutableDueToPolicy || code == bloberror.ImmutabilityPolicyDeleteOnLockedPolicy || strings.Contains(string(code), "LegalHold")
}

// missing says what is missing where the store refuses, and what to do.
func (d *destination) missing(code bloberror.Code, needed need) string {
	end := d.connection.access.expired(d.clock.Now())
	switch {
	case !end.IsZero():
		return "the shared access signature expired at " + end.Format("2006-01-02 15:04 MST") + ": make a new one"
	case code == bloberror.AuthorizationFailure:
		return d.notAccepted() + "; and that the account's network rules let this machine in"
	case strings.HasPrefix(string(code), "Authorization"), code == bloberror.InsufficientAccountPermissions:
		return fmt.Sprintf("grant the permission to %s: a new shared access signature has it, or the role Storage Blob Data Contributor on container %s", needed, d.container)
	case code == bloberror.AccountIsDisabled:
		return "the storage account is disabled"
	}
	return d.notAccepted()
}

// notAccepted says what to look at where the store does not know who asks.
func (d *destination) notAccepted() string {
	switch access := &d.connection.access; {
	case access.key != "":
		return "the store does not accept the account key: check that it is a current key of account " + access.account + ", and this machine's clock"
	case access.sas != "":
		return "the store does not accept the shared access signature: check that it is whole, is of this account and container, and that its key was not replaced"
	}
	return "the store does not accept Azure's default credentials: check that they have the role Storage Blob Data Contributor on container " + d.container
}

// message is where an answer says in words what is wrong.
var message = regexp.MustCompile(`(?s)<Message>(.*?)</Message>`)

// said is an answer in short: its status, its code and the first line of its words. The lines after it are ids and, where a
// signature is wrong, all that was signed.
func (d *destination) said(answer *azcore.ResponseError) string {
	text := fmt.Sprintf("%d %s", answer.StatusCode, answer.ErrorCode)
	if found := message.FindStringSubmatch(answer.Error()); found != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(found[1]), "\n")
		text += ": " + first
	}
	return d.quote(strings.TrimSpace(text))
}
