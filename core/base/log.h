/* core/base/log.h - one line per event: "message key=value key=value".
 *
 * Level info and above belongs to api/ and daemon/ (where decisions are made); core/ logs at debug, and
 * at warning or error only where no caller could (a background thread). On a journal stream each line
 * carries systemd's "<n>" priority prefix, elsewhere an RFC 3339 time and the level's name.
 * All functions: any thread, one write(2) per line. A stderr that nobody reads holds callers up for a
 * second, and then for a tenth of the time at most; lines are dropped, and how many is said in the first that gets
 * through. */
#ifndef INSP_BASE_LOG_H
#define INSP_BASE_LOG_H

#include <stdbool.h>

enum insp_log_level { INSP_LOG_ERROR = 3, INSP_LOG_WARNING = 4, INSP_LOG_INFO = 6, INSP_LOG_DEBUG = 7 };

/* Lines above this level are dropped. Default INSP_LOG_INFO. */
void insp_log_set_level(enum insp_log_level level);
enum insp_log_level insp_log_level(void);

/* "error" | "warning" | "info" | "debug" -> level; false for any other text. */
bool insp_log_level_parse(const char *text, enum insp_log_level *ret_level);

/* Control characters in the formatted line (a hostile camera name, say), malformed UTF-8 and characters that hide
 * or turn the text around them (insp_utf8_visible) are written as '?', so that one call is always one line that
 * reads as it is. Lines are cut at 2047 bytes. A text that is not our own goes through one of the two functions
 * below, or it could end its field and write the next ones itself. */
void insp_log(enum insp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { INSP_LOG_TEXT_BYTES = 1024 };

/* Writes a text that others wrote so that it is one word of a line: what is not visible ASCII, and " and %, is
 * percent-encoded. Returns ret, of INSP_LOG_TEXT_BYTES bytes; a longer text is cut and ends with "...". */
const char *insp_log_word(char *ret, const char *text);
/* The same as a quoted text: "..." with a backslash before quotes and backslashes. */
const char *insp_log_quoted(char *ret, const char *text);

/* The same with the room: `insp_log_info("... path=%s detail=%s", INSP_LOG_WORD(path), INSP_LOG_QUOTED(detail))`
 */
#define INSP_LOG_WORD(text) insp_log_word((char[INSP_LOG_TEXT_BYTES]){""}, (text))
#define INSP_LOG_QUOTED(text) insp_log_quoted((char[INSP_LOG_TEXT_BYTES]){""}, (text))

#define insp_log_error(...) insp_log(INSP_LOG_ERROR, __VA_ARGS__)
#define insp_log_warning(...) insp_log(INSP_LOG_WARNING, __VA_ARGS__)
#define insp_log_info(...) insp_log(INSP_LOG_INFO, __VA_ARGS__)
#define insp_log_debug(...) insp_log(INSP_LOG_DEBUG, __VA_ARGS__)

#endif
