/* tests/parity/parity.c - nothing of its own: the shared library around core/ needs one source. */
extern int insp_parity_anchor;
int insp_parity_anchor;
