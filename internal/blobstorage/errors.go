package blobstorage

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
)

// Need is a permission that a call needs, in the words of shared access signatures.
type Need string

// The permissions.
const (
	NeedRead   Need = "read (r)"
	NeedWrite  Need = "create and write (c, w)"
	NeedDelete Need = "delete (d)"
	NeedList   Need = "list (l)"
)

// Quote repeats what a server or the client says, without credentials.
func (c *Connection) Quote(said string) string {
	return endpoint.Quote(c.Access.Conceal(said))
}

// Explain turns an error of the client into one of package endpoint, as far as it is one that people act on.
func (c *Connection) Explain(ctx context.Context, err error, needed Need) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if answer := new(azcore.ResponseError); errors.As(err, &answer) {
		return c.explainAnswer(answer, needed)
	}
	if refused := new(azidentity.AuthenticationFailedError); errors.As(err, &refused) {
		if refused.RawResponse == nil && endpoint.IsBroken(err) || refused.RawResponse != nil && endpoint.IsBusy(refused.RawResponse.StatusCode) {
			return fmt.Errorf("%w: asking for a token: %s", endpoint.ErrTemporary, c.Quote(err.Error()))
		}
		return fmt.Errorf("%w: Azure's default credentials gave no token: run az login, set AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret, "+
			"or give account_key or sas_token: %s", endpoint.ErrDenied, c.Quote(err.Error()))
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
		return fmt.Errorf("%w: there was no whole answer: %s", endpoint.ErrTemporary, c.Quote(said.Error()))
	}
	return errors.New(c.Quote(said.Error()))
}

// explainAnswer says what an answer of the store means.
func (c *Connection) explainAnswer(answer *azcore.ResponseError, needed Need) error {
	said := c.said(answer)
	switch code := bloberror.Code(answer.ErrorCode); {
	case endpoint.IsBusy(answer.StatusCode):
		return fmt.Errorf("%w: the store answered %s", endpoint.ErrTemporary, said)
	case code == bloberror.MD5Mismatch:
		return fmt.Errorf("%w: what was sent was damaged on the way: the store answered %s", endpoint.ErrTemporary, said)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: %s: the store answered %s", endpoint.ErrDenied, c.missing(code, needed), said)
	case code == bloberror.ContainerNotFound:
		return fmt.Errorf("there is no container %s in the storage account: correct the name, or create it: az storage container create --name %s",
			c.Container, c.Container)
	case answer.StatusCode == http.StatusNotFound:
		return endpoint.ErrNotExist
	case isProtection(code):
		return fmt.Errorf("%w: an immutability policy or a legal hold: the store answered %s", endpoint.ErrProtected, said)
	case strings.HasPrefix(string(code), "LeaseId"):
		return fmt.Errorf("%w: somebody holds a lease on it, which az storage blob lease break ends: the store answered %s", endpoint.ErrProtected, said)
	case code == bloberror.SnapshotsPresent:
		return fmt.Errorf("it has snapshots, which are not imsctl's to delete: delete them first: the store answered %s", said)
	case code == bloberror.BlobArchived, code == bloberror.BlobBeingRehydrated:
		return fmt.Errorf("it is in the archive tier: move it to another one and wait until it is there: the store answered %s", said)
	case code == bloberror.InvalidBlockList, code == bloberror.InvalidBlobOrBlock:
		return fmt.Errorf("the store no longer has the parts of the upload: another one to the same name has ended meanwhile: the store answered %s", said)
	case code == bloberror.BlobAlreadyExists:
		return endpoint.ErrExists
	case answer.StatusCode == http.StatusPreconditionFailed, code == bloberror.ConditionNotMet:
		return fmt.Errorf("%w: the store answered %s", endpoint.ErrChanged, said)
	}
	return fmt.Errorf("the store answered %s", said)
}

// isProtection reports whether a code means that a rule of the store keeps the blob.
func isProtection(code bloberror.Code) bool {
	return code == bloberror.BlobImmutableDueToPolicy || code == bloberror.ImmutabilityPolicyDeleteOnLockedPolicy || strings.Contains(string(code), "LegalHold")
}

// missing says what is missing where the store refuses, and what to do.
func (c *Connection) missing(code bloberror.Code, needed Need) string {
	end := c.Access.Expired(c.Clock.Now())
	switch {
	case !end.IsZero():
		return "the shared access signature expired at " + end.Format("2006-01-02 15:04 MST") + ": make a new one"
	case code == bloberror.AuthorizationFailure:
		return c.notAccepted() + "; and that the account's network rules let this machine in"
	case strings.HasPrefix(string(code), "Authorization"), code == bloberror.InsufficientAccountPermissions:
		return fmt.Sprintf("grant the permission to %s: a new shared access signature has it, or the role Storage Blob Data Contributor on container %s", needed, c.Container)
	case code == bloberror.AccountIsDisabled:
		return "the storage account is disabled"
	}
	return c.notAccepted()
}

// notAccepted says what to look at where the store does not know who asks.
func (c *Connection) notAccepted() string {
	switch access := &c.Access; {
	case access.Key != "":
		return "the store does not accept the account key: check that it is a current key of account " + access.Account + ", and this machine's clock"
	case access.SAS != "":
		return "the store does not accept the shared access signature: check that it is whole, is of this account and container, and that its key was not replaced"
	}
	return "the store does not accept Azure's default credentials: check that they have the role Storage Blob Data Contributor on container " + c.Container
}

// message is where an answer says in words what is wrong.
var message = regexp.MustCompile(`(?s)<Message>(.*?)</Message>`)

// said is an answer in short: its status, its code and the first line of its words. The lines after it are ids and, where a
// signature is wrong, all that was signed.
func (c *Connection) said(answer *azcore.ResponseError) string {
	text := fmt.Sprintf("%d %s", answer.StatusCode, answer.ErrorCode)
	if found := message.FindStringSubmatch(answer.Error()); found != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(found[1]), "\n")
		text += ": " + first
	}
	return c.Quote(strings.TrimSpace(text))
}
