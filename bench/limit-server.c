// The limit without Node: an epoll program that writes one buffer to many sockets at a rate, and nothing else.
// Arguments: bytes per second for each viewer. Prints its URL, runs until it is told to end.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BATCH = 128 * 1024, VIEWERS_MAX = 65536 };

static char batch[BATCH];
static char scratch[4096];
static int owed[VIEWERS_MAX]; // by descriptor: what is left of the batch that was begun; -1 is no viewer
static int epoll, highest;

static void end(int fd) {
  owed[fd] = -1;
  close(fd);
}

static void watch(int fd, int op, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(epoll, op, fd, &event);
}

static void put(int fd) {
  int left = owed[fd];
  ssize_t done = write(fd, batch + BATCH - left, left);
  if (done < 0 && errno != EAGAIN) {
    end(fd);
    return;
  }
  owed[fd] = done < 0 ? left : left - (int)done;
  if (owed[fd] > 0) watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  double period = BATCH / atof(argv[1]);
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < BATCH; i++) batch[i] = 0x47;
  for (int i = 0; i < VIEWERS_MAX; i++) owed[i] = -1;

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 511) < 0) {
    perror("listen");
    return 1;
  }
  getsockname(listener, (struct sockaddr *)&address, &size);
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct timespec every = {.tv_sec = (long)period, .tv_nsec = (long)((period - (long)period) * 1e9)};
  timerfd_settime(timer, 0, &(struct itimerspec){every, every}, NULL);
  epoll = epoll_create1(0);
  watch(listener, EPOLL_CTL_ADD, EPOLLIN);
  watch(timer, EPOLL_CTL_ADD, EPOLLIN);
  printf("http://127.0.0.1:%d/\n", ntohs(address.sin_port));
  fflush(stdout);

  static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n";
  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == timer) {
        if (read(timer, scratch, 8) < 0) continue;
        for (int viewer = 0; viewer <= highest; viewer++) {
          if (owed[viewer] != 0) continue;
          owed[viewer] = BATCH;
          put(viewer);
        }
      } else if (fd == listener) {
        int viewer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (viewer < 0) continue;
        if (viewer >= VIEWERS_MAX || write(viewer, reply, sizeof reply - 1) < 0) {
          close(viewer);
          continue;
        }
        owed[viewer] = 0;
        if (viewer > highest) highest = viewer;
        watch(viewer, EPOLL_CTL_ADD, EPOLLIN);
      } else {
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
          ssize_t got = read(fd, scratch, sizeof scratch);
          if (got == 0 || (got < 0 && errno != EAGAIN)) {
            end(fd);
            continue;
          }
        }
        if (events[i].events & EPOLLOUT) {
          watch(fd, EPOLL_CTL_MOD, EPOLLIN);
          put(fd);
        }
      }
    }
  }
}
