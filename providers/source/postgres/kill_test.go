package postgres_test

const restoreTarget = "IMSCTL_TEST_RESTORE"

func restoreChild(string) int { return 0 }
