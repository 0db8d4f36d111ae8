"""The tail estimators that come with fastsde, one declaration per module."""
