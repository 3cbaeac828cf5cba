namespace Scheduler.Storage.Loop;

/// <summary>
/// A device whose completions a loop can see by itself (a descriptor in its epoll set), so that no thread has to stand
/// between the kernel and the owner. A device that is not attached calls <see cref="IBlockDevice.CompletionsReady"/> from a
/// thread of its own.
/// </summary>
public interface ILoopDevice : IBlockDevice
{
    /// <summary>Has the loop call <see cref="IBlockDevice.CompletionsReady"/>, on its thread. On the loop's thread, before
    /// the first <see cref="IBlockDevice.Submit"/>.</summary>
    /// <param name="loop">The owner's loop; it runs until the device is disposed.</param>
    void AttachTo(EventLoop loop);
}
