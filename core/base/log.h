/* core/base/log.h - write the log to stderr, one line per event: "message key=value key=value".
 *
 * Level info and above belongs to api/ and daemon/, which make the decisions. core/ logs at debug; it logs
 * warnings and errors only on a background thread, which has no caller to report to. If stderr is the journal
 * each line has systemd's "<n>" priority prefix, otherwise an RFC 3339 time and the level's name.
 *
 * Any thread; one write per line. If nobody reads stderr, callers wait for a second in all and after that for
 * at most a tenth of the elapsed time. Later lines are dropped; the next line that gets through is followed by
 * their number. */
#ifndef INSP_BASE_LOG_H
#define INSP_BASE_LOG_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum insp_log_level { INSP_LOG_ERROR = 3, INSP_LOG_WARNING = 4, INSP_LOG_INFO = 6, INSP_LOG_DEBUG = 7 };

/* Sets the level of the least important lines that are written. Default: INSP_LOG_INFO. */
void insp_log_set_level(enum insp_log_level level);
enum insp_log_level insp_log_level(void);

/* Parses "error", "warning", "info" or "debug"; returns false for any other text. */
bool insp_log_level_parse(const char *text, enum insp_log_level *ret_level);

/* Writes one line. Control characters in the formatted text (a hostile camera name, for example), malformed
 * UTF-8 and characters that hide or reorder the text around them (insp_utf8_visible) become '?', so one call
 * always makes one line that reads as it is. Lines are cut at 2047 bytes. Pass text from outside the daemon
 * through INSP_LOG_WORD or INSP_LOG_QUOTED, or it could end its field and forge the next ones. */
void insp_log(enum insp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { INSP_LOG_TEXT_BYTES = 1024 };

/* Encodes text as one field value without blanks: percent-encodes bytes that are not visible ASCII, and " and
 * %. ret has INSP_LOG_TEXT_BYTES bytes and is returned; a longer text is cut and ends in "...". */
const char *insp_log_word(char *ret, const char *text);
/* Encodes text as a quoted value, "...", with a backslash before quotes and backslashes. ret as above. */
const char *insp_log_quoted(char *ret, const char *text);

/* Do the same and supply the buffer: `insp_log_info("... path=%s detail=%s", INSP_LOG_WORD(path),
 * INSP_LOG_QUOTED(detail))`. It lives until the end of the enclosing block. */
#define INSP_LOG_WORD(text) insp_log_word((char[INSP_LOG_TEXT_BYTES]){""}, (text))
#define INSP_LOG_QUOTED(text) insp_log_quoted((char[INSP_LOG_TEXT_BYTES]){""}, (text))

#define insp_log_error(...) insp_log(INSP_LOG_ERROR, __VA_ARGS__)
#define insp_log_warning(...) insp_log(INSP_LOG_WARNING, __VA_ARGS__)
#define insp_log_info(...) insp_log(INSP_LOG_INFO, __VA_ARGS__)
#define insp_log_debug(...) insp_log(INSP_LOG_DEBUG, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
