"""The columns that tables of the record share, and what their constraints are called."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# An ever-growing id; SQLite grows only INTEGER keys by itself.
SERIAL = BigInteger().with_variant(Integer, "sqlite")


def id_column(length: int = 64) -> Column[str]:
    """The key of a row."""
    return Column("id", String(length), primary_key=True)


def words(name: str) -> tuple[Column[str], Column[str]]:
    """A text in both languages."""
    return (
        Column(f"{name}_zh", String(200), nullable=False),
        Column(f"{name}_en", String(200), nullable=False),
    )


def position() -> tuple[Column[float], Column[float]]:
    """WGS 84, in degrees."""
    return Column("latitude", Float, nullable=False), Column("longitude", Float, nullable=False)


def version() -> Column[int]:
    """Counts edits; an ETag."""
    return Column("version", Integer, nullable=False, server_default="1")


def time_column(name: str, *, nullable: bool = False) -> Column[int]:
    """UTC in milliseconds."""
    return Column(name, BigInteger, nullable=nullable)


def ref(name: str, target: str, *, nullable: bool = False, key: bool = False) -> Column[str]:
    """The id of a row of another table."""
    return Column(name, String(64), ForeignKey(target), nullable=nullable, primary_key=key)


def one_of(column: str, values: list[str]) -> CheckConstraint:
    """Only these values."""
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
