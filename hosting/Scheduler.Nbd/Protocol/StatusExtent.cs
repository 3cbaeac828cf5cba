namespace Scheduler.Nbd.Protocol;

/// <summary>A run of bytes in one state; the runs of a reply follow each other from the request's offset on.</summary>
/// <param name="Length">Bytes, above 0; may reach beyond the request, which the writer cuts.</param>
/// <param name="State">Its state.</param>
public readonly record struct StatusExtent(long Length, BlockState State);
