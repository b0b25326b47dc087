package gcs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/providers"
)

// Status checks that the bucket can be listed, and tells the store's time and its rules where they can be read, which needs
// storage.buckets.get. Whether objects can be written shows with the first: permissions may depend on their names.
func (d *destination) Status(ctx context.Context) (providers.Status, error) {
	client, err := d.connection.Client(ctx)
	if err != nil {
		return providers.Status{}, fmt.Errorf("destination %s cannot be used: %w", d.url(""), err)
	}
	status := providers.Status{Free: -1}
	objects := client.Bucket(d.bucket).Objects(cloudstorage.WithDate(ctx, &status.Time), &storage.Query{Prefix: d.prefix})
	objects.PageInfo().MaxSize = 1
	if _, err := objects.Next(); err != nil && err != iterator.Done {
		return providers.Status{}, fmt.Errorf("destination %s cannot be used: %w", d.url(""), d.explain(ctx, err, "storage.objects.list"))
	}
	bucket, err := client.Bucket(d.bucket).Attrs(ctx)
	if err == nil {
		status.Rules = rules(bucket, d.prefix)
		return status, nil
	}
	err = d.explain(ctx, err, "storage.buckets.get")
	if ctx.Err() != nil || errors.Is(err, providers.ErrTemporary) {
		return providers.Status{}, fmt.Errorf("reading the rules of bucket %s: %w", d.bucket, err)
	}
	return status, nil // the rules are not for us to read
}

// rules are what a bucket does by itself with objects whose names begin with prefix.
func rules(bucket *storage.BucketAttrs, prefix string) *providers.Rules {
	found := &providers.Rules{}
	for _, rule := range bucket.Lifecycle.Rules {
		if age, deletes := deletesAfter(rule, prefix); deletes && (found.DeleteAfter == 0 || age < found.DeleteAfter) {
			found.DeleteAfter = age
		}
	}
	if bucket.RetentionPolicy != nil {
		found.KeepFor = bucket.RetentionPolicy.RetentionPeriod
	}
	if bucket.SoftDeletePolicy != nil {
		found.SoftDelete = bucket.SoftDeletePolicy.RetentionDuration
	}
	return found
}

// deletesAfter tells at which age a rule of a bucket's life cycle may delete an object of ours, and whether it does at all.
// Conditions that ours may or may not meet, such as a storage class, count as met.
func deletesAfter(rule storage.LifecycleRule, prefix string) (time.Duration, bool) {
	condition := rule.Condition
	onlyOld := condition.Liveness == storage.Archived || condition.NumNewerVersions > 0 || condition.DaysSinceNoncurrentTime > 0 || !condition.NoncurrentTimeBefore.IsZero()
	byCustomTime := condition.DaysSinceCustomTime > 0 || !condition.CustomTimeBefore.IsZero() // ours have none
	if rule.Action.Type != storage.DeleteAction || onlyOld || byCustomTime {
		return 0, false
	}
	if len(condition.MatchesPrefix) > 0 && !slices.ContainsFunc(condition.MatchesPrefix, func(other string) bool {
		return strings.HasPrefix(prefix, other) || strings.HasPrefix(other, prefix)
	}) {
		return 0, false
	}
	if condition.AgeInDays > 0 {
		return time.Duration(condition.AgeInDays) * 24 * time.Hour, true
	}
	return time.Second, condition.AllObjects // zero would mean never
}
