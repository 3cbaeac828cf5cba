namespace Scheduler.Storage.Lvm.Text;

/// <summary>A metadata text, whose checksum is right, says something that it must not, or that is not understood here.</summary>
/// <param name="problem">What, fit for the middle of a line.</param>
internal sealed class MetadataException(string problem) : Exception(problem);
