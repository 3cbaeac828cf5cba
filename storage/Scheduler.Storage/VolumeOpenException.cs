namespace Scheduler.Storage;

/// <summary>A volume cannot be opened. The message is one line that names the volume, what is wrong, and what to do.</summary>
/// <param name="path">The volume.</param>
/// <param name="problem">What is wrong with it, with the value.</param>
/// <param name="remedy">What the operator can do.</param>
/// <param name="error">The errno behind it, or 0.</param>
public sealed class VolumeOpenException(string path, string problem, string remedy, int error = 0)
    : IOException($"Volume {path}: {problem}; {remedy}.")
{
    /// <summary>The volume.</summary>
    public string Path { get; } = path;

    /// <summary>The errno behind it, or 0.</summary>
    public int Error { get; } = error;
}
