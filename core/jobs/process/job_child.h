/* core/jobs/process/job_child.h - runs one job in a child process of the daemon (job_process.h). A crash, an abort
 * inside libtorch or a lack of memory ends this process and affects no inspection. */
#ifndef INSP_JOBS_PROCESS_JOB_CHILD_H
#define INSP_JOBS_PROCESS_JOB_CHILD_H

/* Descriptors that the process inherits: the socket to the daemon, and the flag that inspections wait
 * (core/base/lanes/busy.h). */
enum { INSP_JOB_SOCKET_FD = 3, INSP_JOB_BUSY_FD = 4 };

/* Runs a job: lowers the priority of this process (nice 19, SCHED_BATCH, idle disk priority, preferred by the OOM
 * killer), reads a request from the socket, runs it within its memory limit, and reports. The process ends with
 * the daemon, by PR_SET_PDEATHSIG and at the end of the stream. It ignores SIGINT, SIGTERM and SIGHUP, because the
 * daemon receives them too and decides. Blocks until the job has ended; call it on the main thread of a new
 * process. Returns an exit code, 0 if the outcome was reported. */
int insp_job_child(void);

#endif
