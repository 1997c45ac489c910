"""DECLARE: what an application says about itself. Pure: text in, `Profile` out."""
