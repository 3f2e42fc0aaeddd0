#include <atomic>
#include <set>

#include "sim/state.h"

namespace tfmini::sim {
namespace {

// A stream holds this much before it runs without being asked.
constexpr size_t kMaxQueue = 4096;

// A point in a stream (or in a capture) that others wait for.
struct Mark {
  cudaStream_t stream;
  std::shared_ptr<Capture> capture;
  bool reached = false;
};

std::set<cudaStream_t>& all_streams() {
  static auto* streams = new std::set<cudaStream_t>;
  return *streams;
}

bool run_next(cudaStream_t stream) {
  if (stream->queue.empty()) return false;
  Work work = std::move(stream->queue.front());
  stream->queue.pop_front();
  work();
  return true;
}

// Marks are made in the order of calls, so streams cannot wait for each other in a circle.
void reach(Mark& mark) {
  while (!mark.reached && run_next(mark.stream)) {
  }
}

}  // namespace

void drain(cudaStream_t stream) {
  if (stream) {
    while (run_next(stream)) {
    }
  } else {
    for (cudaStream_t s : all_streams()) drain(s);
  }
}

void enqueue(cudaStream_t stream, Work work) {
  if (!stream) {  // the null stream waits for all others, and they for it
    drain(nullptr);
    work();
  } else if (stream->capture) {
    stream->capture->work.push_back(std::move(work));
  } else {
    if (stream->queue.size() >= kMaxQueue) drain(stream);
    stream->queue.push_back(std::move(work));
  }
}

Capture* capture_of(cudaStream_t stream) { return stream ? stream->capture.get() : nullptr; }

}  // namespace tfmini::sim

using namespace tfmini::sim;

struct CUevent_st {
  std::shared_ptr<Mark> mark;  // none before the first record
};
struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<Work>> work;
};

namespace {

// Waiting for a capturing stream makes its capture useless, as in the real runtime.
bool refuse_capture(cudaStream_t stream) {
  Capture* capture = capture_of(stream);
  if (capture) capture->invalid = true;
  return capture != nullptr;
}

}  // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const Lock lock(the_lock());
  *stream = new CUstream_st;
  (*stream)->device = current_device();
  all_streams().insert(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(the_lock());
  if (!all_streams().count(stream)) return result(cudaErrorInvalidResourceHandle);
  drain(stream);
  all_streams().erase(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Lock lock(the_lock());
  if (refuse_capture(stream)) return result(cudaErrorStreamCaptureUnsupported);
  drain(stream);
  return take_asynchronous_error();
}
// A stream asked about gets one piece of work done, so that whoever polls makes progress.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Lock lock(the_lock());
  if (refuse_capture(stream)) return result(cudaErrorStreamCaptureUnsupported);
  if (stream && run_next(stream)) return cudaErrorNotReady;
  return take_asynchronous_error();
}
cudaError_t cudaDeviceSynchronize() { return cudaStreamSynchronize(nullptr); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(the_lock());
  auto mark = std::make_shared<Mark>(Mark{stream, stream ? stream->capture : nullptr});
  event->mark = mark;
  if (!mark->capture) enqueue(stream, [mark] { mark->reached = true; });
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(the_lock());
  const std::shared_ptr<Mark> mark = event->mark;
  if (!mark || !stream) return cudaSuccess;
  if (mark->capture) {
    // A captured graph is one sequence in the order of calls: waiting is joining.
    if (stream->capture && stream->capture != mark->capture) return result(cudaErrorStreamCaptureUnsupported);
    stream->capture = mark->capture;
  } else if (stream->capture) {
    return result(cudaErrorStreamCaptureUnsupported);  // a graph cannot wait for what was not captured
  } else {
    enqueue(stream, [mark] { reach(*mark); });
  }
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(the_lock());
  if (!event->mark) return cudaSuccess;
  if (event->mark->capture) return result(cudaErrorStreamCaptureUnsupported);
  reach(*event->mark);
  return take_asynchronous_error();
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(the_lock());
  if (!event->mark || event->mark->reached) return take_asynchronous_error();
  if (event->mark->capture) return result(cudaErrorStreamCaptureUnsupported);
  run_next(event->mark->stream);
  return cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 0;  // time means nothing here
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  const Lock lock(the_lock());
  enqueue(stream, [function, data] { function(data); });
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const Lock lock(the_lock());
  if (!stream || stream->capture) return result(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_shared<Capture>();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(the_lock());
  *graph = nullptr;
  if (!stream || !stream->capture) return result(cudaErrorInvalidValue);
  const std::shared_ptr<Capture> capture = stream->capture;
  for (cudaStream_t s : all_streams())
    if (s->capture == capture) s->capture.reset();
  if (capture->invalid) return result(cudaErrorStreamCaptureInvalidated);
  *graph = new CUgraph_st{std::move(capture->work)};
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Lock lock(the_lock());
  const Capture* capture = capture_of(stream);
  *status = !capture           ? cudaStreamCaptureStatusNone
            : capture->invalid ? cudaStreamCaptureStatusInvalidated
                               : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void*, size_t* count) {
  *count = graph->work.size();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{std::make_shared<const std::vector<Work>>(graph->work)};
  return cudaSuccess;
}
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph, cudaGraphExecUpdateResultInfo* info) {
  if (info) info->result = 0;
  if (exec->work->size() != graph->work.size()) return result(cudaErrorGraphExecUpdateFailure);
  exec->work = std::make_shared<const std::vector<Work>>(graph->work);
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const Lock lock(the_lock());
  enqueue(stream, [work = exec->work] {
    for (const Work& step : *work) step();
  });
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
