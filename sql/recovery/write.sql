-- Takes them in.
COPY {staged} ({columns}) FROM STDIN;
