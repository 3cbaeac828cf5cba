using System.Runtime.InteropServices;
using Scheduler.Storage;
using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Hypervisor;

/// <summary>An event channel to a guest, through an open /dev/xen/evtchn of its own.</summary>
/// <remarks>The device gives the number of a channel that has rung, which does not ring again until the number is written back: a guest
/// that rings without end is heard once a turn of the loop.</remarks>
/// <param name="file">The open device, not blocking.</param>
/// <param name="port">This end of the channel.</param>
internal sealed unsafe class EventChannel(int file, uint port) : IRingBell
{
    /// <inheritdoc/>
    public int Descriptor => file;

    /// <inheritdoc/>
    public void Open()
    {
    }

    /// <inheritdoc/>
    /// <remarks>Before what the guest sends is looked at: what it sends later rings again. That the guest is gone is not known here.</remarks>
    public bool Hear()
    {
        uint rung;
        nint count = DeviceCalls.Read(file, &rung, sizeof(uint));
        if (count == sizeof(uint))
            count = DeviceCalls.Write(file, &rung, sizeof(uint));
        return count == sizeof(uint) || Marshal.GetLastPInvokeError() is Errno.EAGAIN or Errno.EINTR;
    }

    /// <inheritdoc/>
    public bool Ring()
    {
        uint bound = port;
        return DeviceCalls.Control(file, DeviceCalls.Notify, &bound) == 0;
    }

    /// <inheritdoc/>
    public void Close() => _ = SocketCalls.close(file);
}
