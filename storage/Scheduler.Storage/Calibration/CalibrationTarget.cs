using Scheduler.Storage.Native;

namespace Scheduler.Storage.Calibration;

/// <summary>What a measured device is on.</summary>
/// <param name="IsFile">A file, which tells what of it is allocated; not a block device.</param>
/// <param name="IsAllocated">A file whose space is allocated, or some of it.</param>
public readonly record struct CalibrationTarget(bool IsFile, bool IsAllocated)
{
    /// <summary>Looks at a path.</summary>
    /// <param name="path">A file or block device.</param>
    /// <returns>What it is; null if there is nothing.</returns>
    /// <exception cref="CalibrationException">It can't be looked at, or is something else.</exception>
    public static CalibrationTarget? At(string path)
    {
        if (path.Length == 0)
            throw new CalibrationException("the path is empty; name a file or a block device.");
        int error = FileStatus.Get(path, out FileStatus status);
        if (error == LibC.ENOENT)
            return null;
        if (error != 0)
            throw new CalibrationException($"{path}: cannot look at it: {FileCalls.Describe(error)}; check the path and its permissions.");
        return status.IsFile || status.IsBlockDevice
            ? new CalibrationTarget(status.IsFile, status.IsFile && status.Allocated > 0)
            : throw new CalibrationException($"{path}: it is neither a file nor a block device; name one of these.");
    }
}
