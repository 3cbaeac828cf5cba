namespace Scheduler.Storage.Calibration;

/// <summary>What a device is asked while one figure is measured.</summary>
/// <param name="Op">Read, write or discard.</param>
/// <param name="Bytes">Bytes of a request.</param>
/// <param name="Depth">Requests in flight; 1 or more.</param>
/// <param name="Sequential">One after the other, rather than anywhere.</param>
/// <param name="Durable">Writes that are durable when they complete.</param>
public readonly record struct LoadPoint(DeviceOp Op, int Bytes, int Depth, bool Sequential = false, bool Durable = false);

/// <summary>What came out.</summary>
/// <param name="Point">What was asked.</param>
/// <param name="Completed">Requests completed.</param>
/// <param name="LatencyNs">Median time of a request, in nanoseconds: what else the machine does shows in the mean.</param>
/// <param name="PeriodNs">Time that passed for each request, in nanoseconds: the latency divided by how many were worked on at once.</param>
public readonly record struct LoadResult(LoadPoint Point, long Completed, double LatencyNs, double PeriodNs);

/// <summary>Flushes after so much was written.</summary>
/// <param name="DirtyBytes">Bytes written before each flush.</param>
/// <param name="Count">Flushes measured.</param>
/// <param name="LatencyNs">Mean time of a flush, in nanoseconds.</param>
public readonly record struct FlushResult(long DirtyBytes, int Count, double LatencyNs);
