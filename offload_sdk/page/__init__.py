"""The web page: its files, for whoever serves them, the device and the server alike. No server here."""
