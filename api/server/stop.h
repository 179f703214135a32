/* api/server/stop.h - runs the stop sequence step by step and frees the server. Loop thread. */
#ifndef INSP_API_SERVER_STOP_H
#define INSP_API_SERVER_STOP_H

struct api_server;

/* Takes the next steps of the stop sequence that are possible. */
void api_stop_check(struct api_server *server);

/* Counts a handle that libuv has closed; the last one ends the stop. arg: the server. */
void api_stop_handle_closed(void *arg);

/* Frees a server that has stopped, or one whose start failed. */
void api_server_free(struct api_server *server);

#endif
