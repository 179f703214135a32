/* core/report/html.h - writes text as HTML. Stream errors show in ferror; nothing else can fail. One thread per
 * stream. */
#ifndef INSP_REPORT_HTML_H
#define INSP_REPORT_HTML_H

#include <stdio.h>

/* Writes UTF-8 as text or as an attribute value in double quotes: & < > " ' become character references, control
 * characters become U+FFFD. */
void insp_html_text(FILE *out, const char *text);

/* Writes text from outside (file, product and defect names) inside <bdi>, so that right-to-left letters in it do
 * not reorder the text around it. */
void insp_html_foreign(FILE *out, const char *text);

/* Writes a key as escaped words: "class_weights" becomes "class weights". */
void insp_html_words(FILE *out, const char *key);

/* Writes a share 0..1 as "97.3 %", "0 %" or "100 %"; "–" if it is not finite. */
void insp_html_percent(FILE *out, double share);

#endif
