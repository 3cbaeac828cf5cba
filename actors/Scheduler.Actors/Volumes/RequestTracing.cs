using System.Diagnostics;
using Scheduler.Core;

namespace Scheduler.Actors;

/// <summary>
/// Spans: one for each sampled request, and one for each device flush that served sampled requests, with a link to each of
/// them. Costs a comparison for each request that is not sampled. Whether a request is sampled is decided once, on the node that its guest is
/// connected to.
/// </summary>
internal sealed class RequestTracing(VolumeTelemetry telemetry, string volume)
{
    private readonly Dictionary<int, FlushSpan> _flushes = [];
    private int _count;

    public bool IsOn => telemetry.TraceEvery > 0;

    public void Arrived(AttachedRing ring, RequestBatch batch, int index)
    {
        if (!IsOn)
            return;
        ActivityContext parent = default;
        if (ring.Channel.IsTracedElsewhere)
        {
            parent = batch.SpanOf(index);
            if ((parent.TraceFlags & ActivityTraceFlags.Recorded) == 0)
                return;
        }
        else if (++_count >= telemetry.TraceEvery)
        {
            _count = 0;
        }
        else
        {
            return;
        }

        ref readonly RingRequest request = ref batch.Requests[index];
        ring.Spans[request.Slot] = telemetry.StartRequest("scheduler.request", ActivityKind.Server, parent, volume, ring.Disk, request);
    }

    public void Answered(AttachedRing ring, in Effect reply)
    {
        if (!IsOn || ring.Spans[reply.Slot] is not { } span)
            return;
        ring.Spans[reply.Slot] = null;
        _ = span.SetTag("queued.ms", reply.QueuedNs / 1e6);
        VolumeTelemetry.End(span, reply.Error);
    }

    public void FlushEmitted(int operation)
    {
        if (IsOn)
            _flushes[operation] = new FlushSpan(DateTimeOffset.UtcNow, []);
    }

    public void FlushServes(int operation, AttachedRing ring, int slot)
    {
        if (ring.Spans[slot] is { } span)
            _flushes[operation].Links.Add(new ActivityLink(span.Context));
    }

    public void FlushCompleted(int operation, int error)
    {
        if (!IsOn || !_flushes.Remove(operation, out FlushSpan? flush) || flush.Links.Count == 0)
            return;
        using Activity? span = telemetry.Source.StartActivity(
            "scheduler.flush.device", ActivityKind.Internal, default(ActivityContext), [new("volume", volume)], flush.Links, flush.Started);
        _ = span?.SetTag("served", flush.Links.Count);
        if (error != 0)
            _ = span?.SetTag("errno", error).SetStatus(ActivityStatusCode.Error);
        if (span is not null)
            Activity.Current = null;
    }

    private sealed record FlushSpan(DateTimeOffset Started, List<ActivityLink> Links);
}
