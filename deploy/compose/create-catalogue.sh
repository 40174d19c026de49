#!/bin/sh
# Run once by the image of PostgreSQL: the role of the service, which must not be a superuser, and its
# database.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" --username="${POSTGRES_USER:-postgres}" <<'END'
CREATE ROLE nexus_raw LOGIN PASSWORD :'password';
CREATE DATABASE nexus_raw OWNER nexus_raw ENCODING 'UTF8' TEMPLATE template0;
END
