"""The distances that come with fastsde, one declaration per module."""
