package postgres

// archiveHeader is how the archives of pg_dump begin (pg_backup_archiver.c).
const archiveHeader = "PGDMP"
