"""HTTP/1.1 over unix sockets, TCP and TLS, with taking over the connection. Must not know routes or Docker."""
