"""DECIDE what we will do, as data. Pure: `Settings` and `Facts` in, `Plan` out."""
