using Scheduler.Storage.Native;

namespace Scheduler.Storage;

/// <summary>Tells files with a content of their own from pipes and devices, which can block whoever opens them and have no end.</summary>
public static class RegularFile
{
    /// <summary>Looks without opening it.</summary>
    /// <param name="path">A path; links are followed.</param>
    /// <returns>Whether a regular file is there.</returns>
    public static bool IsAt(string path) => FileStatus.Get(path, out FileStatus status) == 0 && status.IsFile;
}
