-- The shape of Keycloak's tables, with a few people.
create table realm (id varchar(36) primary key, name varchar(255) unique, enabled boolean not null default false);
create table user_entity (id varchar(36) primary key, username varchar(255), email varchar(255), realm_id varchar(36) references realm, created_timestamp bigint,
	unique (realm_id, username));
create table credential (id varchar(36) primary key, user_id varchar(36) not null references user_entity, type varchar(255), secret_data text, credential_data text);
create index credential_user on credential (user_id);
insert into realm values ('master', 'master', true), ('ims', 'castrolanda', true);
insert into user_entity select md5(n::text)::uuid::text, 'pessoa' || n, 'pessoa' || n || '@example.org', 'ims', 1760000000000 + n from generate_series(1, 300) n;
insert into credential select md5('c' || n)::uuid::text, md5(n::text)::uuid::text, 'password',
	'{"value":"' || md5('secret' || n) || '","salt":"' || md5('salt' || n) || '"}', '{"hashIterations":27500,"algorithm":"pbkdf2-sha256"}' from generate_series(1, 300) n;
