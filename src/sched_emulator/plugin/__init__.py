"""What the pytest plugin needs once one of its fixtures or options is used."""
