/* api/server/stop.h - the stop sequence, step by step, and the end of a server. Loop thread. */
#ifndef INSP_API_SERVER_STOP_H
#define INSP_API_SERVER_STOP_H

struct api_server;

/* Moves the stop sequence on where it can. */
void api_stop_check(struct api_server *server);

/* Counts a handle that libuv has closed; the last one ends the stop. arg: the server. */
void api_stop_handle_closed(void *arg);

/* Frees a server that has stopped, or one whose start failed half-way. */
void api_server_free(struct api_server *server);

#endif
