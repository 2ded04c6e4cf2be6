package topology

import "strings"

// migrationTool returns the tool that notes in a table what has been migrated, ""
// for other tables. A tool reads all rows in order and locks them: they belong on
// one node, and no application keys them. name is in lower case.
func migrationTool(name string) string {
	switch name {
	case "ar_internal_metadata":
		return "Active Record"
	case "schema_migrations":
		return "Active Record, Ecto and golang-migrate"
	case "aerich":
		return "Aerich"
	case "alembic_version":
		return "Alembic"
	case "atlas_schema_revisions":
		return "Atlas"
	case "bun_migrations", "bun_migration_locks":
		return "Bun"
	case "__diesel_schema_migrations":
		return "Diesel"
	case "django_migrations":
		return "Django"
	case "doctrine_migration_versions":
		return "Doctrine"
	case "__drizzle_migrations":
		return "Drizzle"
	case "ent_types":
		return "Ent"
	case "__efmigrationshistory":
		return "Entity Framework"
	case "flyway_schema_history":
		return "Flyway"
	case "goose_db_version":
		return "goose"
	case "knex_migrations", "knex_migrations_lock":
		return "Knex"
	case "kysely_migration", "kysely_migration_lock":
		return "Kysely"
	case "databasechangelog", "databasechangeloglock":
		return "Liquibase"
	case "mikro_orm_migrations":
		return "MikroORM"
	case "pgmigrations":
		return "node-pg-migrate"
	case "phinxlog":
		return "Phinx"
	case "_prisma_migrations":
		return "Prisma"
	case "seaql_migrations":
		return "SeaORM"
	case "sequelizemeta":
		return "Sequelize"
	case "gorp_migrations":
		return "sql-migrate"
	case "_sqlx_migrations":
		return "SQLx"
	case "schema_version":
		return "tern"
	case "typeorm_metadata":
		return "TypeORM"
	case "yoyo_migration", "_yoyo_migration", "_yoyo_version", "yoyo_lock":
		return "yoyo"
	}
	return ""
}

// byMigrationTool: the table is a migration tool's own.
func byMigrationTool(t *TableSchema, rel *Relation) bool {
	tool := migrationTool(strings.ToLower(t.Name.Name))
	if tool == "" {
		return false
	}
	rel.Placement, rel.Source = Global, FromConvention
	rel.Reason = "convention: " + tool + " notes there what has been migrated"
	return true
}
