using System.Diagnostics;
using Scheduler.Actors;

namespace Scheduler.Host.Cluster.Link;

/// <summary>
/// Spans of requests that another node serves: one of so many requests of this node's guests, as where the volume is here, from
/// its way out to its answer. The owner's spans belong to it. On the link's loop.
/// </summary>
/// <param name="telemetry">Where spans go.</param>
internal sealed class LinkTracing(VolumeTelemetry telemetry)
{
    private int _count;

    /// <summary>A request is about to leave.</summary>
    /// <param name="owner">Name of the node that serves it.</param>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="disk">Name of the disk.</param>
    /// <param name="request">The request.</param>
    /// <returns>Its span, if it is one of those that have one.</returns>
    public Activity? Taken(string owner, string volume, string disk, in RingRequest request)
    {
        if (telemetry.TraceEvery == 0 || ++_count < telemetry.TraceEvery)
            return null;
        _count = 0;
        return telemetry.StartRequest("scheduler.forward", ActivityKind.Client, default, volume, disk, request)?.SetTag("node", owner);
    }

    /// <summary>The request was answered.</summary>
    /// <param name="span">Its span.</param>
    /// <param name="error">0 or an errno.</param>
    public static void Answered(Activity span, int error) => VolumeTelemetry.End(span, error);

    /// <summary>No answer comes any more: the ring sends the request again, or its guest is gone.</summary>
    /// <param name="span">Its span.</param>
    public static void Lost(Activity span)
    {
        _ = span.SetStatus(ActivityStatusCode.Error, "the link with the volume's owner was closed before the answer");
        span.Dispose();
    }
}
