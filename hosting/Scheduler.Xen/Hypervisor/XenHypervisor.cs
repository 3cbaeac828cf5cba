using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Hypervisor;

/// <summary>The hypervisor that this machine's kernel runs on, as its devices give access to it. Each ring has its own open devices, so
/// that closing them gives back all that the ring had.</summary>
internal sealed unsafe class XenHypervisor : IHypervisor
{
    private const string GrantsPath = "/dev/xen/gntdev";
    private const string ChannelsPath = "/dev/xen/evtchn";

    /// <inheritdoc/>
    public IGrants? OpenGrants(ushort domain, out string problem)
    {
        int file = Open(GrantsPath, DeviceCalls.ReadWrite | DeviceCalls.CloseOnExec, out problem);
        return file < 0 ? null : new GrantDevice(file, domain);
    }

    /// <inheritdoc/>
    public IRingBell? Bind(ushort domain, uint port, out string problem)
    {
        int file = Open(ChannelsPath, DeviceCalls.ReadWrite | DeviceCalls.CloseOnExec | DeviceCalls.NonBlocking, out problem);
        if (file < 0)
            return null;
        uint* bind = stackalloc uint[2];
        bind[0] = domain;
        bind[1] = port;
        int bound = DeviceCalls.Control(file, DeviceCalls.BindInterdomain, bind);
        if (bound >= 0)
            return new EventChannel(file, (uint)bound);
        problem = $"event channel {port} of domain {domain} can't be bound: {DeviceCalls.LastError}";
        _ = SocketCalls.close(file);
        return null;
    }

    private static int Open(string path, int flags, out string problem)
    {
        int file = DeviceCalls.Open(path, flags);
        problem = file >= 0 ? "" : $"{path} can't be opened: {DeviceCalls.LastError}; the service runs in a domain with that device, as a user who may open it";
        return file;
    }
}
