namespace Scheduler.Storage.Lvm.Text;

/// <summary>A string or a whole number.</summary>
/// <param name="Text">The string; null for a number.</param>
/// <param name="Number">The number.</param>
internal readonly record struct ConfigScalar(string? Text, long Number);
