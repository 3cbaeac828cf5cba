using System.Runtime.InteropServices;
using Scheduler.Storage;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors;

/// <summary>The device has completions to reap.</summary>
internal sealed record DeviceReady
{
    public static readonly DeviceReady Instance = new();
}

/// <summary>
/// The devices of a volume, one for each flush domain, and what is in flight on them. It outlives the volume's scheduler:
/// whatever happens to that, each guest buffer is held until the device has returned it (S3).
/// </summary>
/// <remarks>Used on the volume's dispatcher, but for <see cref="IBlockDevice.CompletionsReady"/>.</remarks>
public sealed class VolumeDevices : ILoopWork
{
    private readonly IBlockDevice[] _devices;
    private readonly Action<ILoopWork> _post;
    private readonly List<DeviceRequest>[] _pending;
    private readonly RingMemory?[][] _held;
    private readonly DeviceCompletion[] _completions = new DeviceCompletion[64];
    private volatile ActorRef? _owner;

    /// <summary>Takes over devices.</summary>
    /// <param name="devices">One for each flush domain; disposed by the caller, after the volume has stopped.</param>
    /// <param name="operationsMax">Most operations in flight, numbered from 0.</param>
    /// <param name="post">Runs work on the volume's dispatcher.</param>
    public VolumeDevices(IReadOnlyList<IBlockDevice> devices, int operationsMax, Action<ILoopWork> post)
    {
        _devices = [.. devices];
        _post = post;
        _pending = [.. devices.Select(_ => new List<DeviceRequest>(operationsMax))];
        _held = [.. devices.Select(_ => new RingMemory?[operationsMax])];
        foreach (IBlockDevice device in _devices)
            device.CompletionsReady = SignalOwner;
    }

    /// <summary>Operations on the devices.</summary>
    public int InFlight { get; private set; }

    internal bool HasPending { get; private set; }

    internal void TakeOwnership(ActorRef owner) => _owner = owner;

    /// <summary>The scheduler is gone: what is in flight is reaped here from now on.</summary>
    internal void Abandon()
    {
        _owner = null;
        for (int domain = 0; domain < _devices.Length; domain++)
        {
            // Added, but never submitted.
            foreach (DeviceRequest request in _pending[domain])
                Release(domain, (int)request.Tag);
            _pending[domain].Clear();
        }

        _post(this);
    }

    /// <summary>Adds a request to those that <see cref="Submit"/> submits.</summary>
    internal void Add(int domain, in DeviceRequest request, RingMemory? memory)
    {
        memory?.Hold();
        _held[domain][(int)request.Tag] = memory;
        _pending[domain].Add(request);
        HasPending = true;
    }

    /// <summary>Submits what was added, in order, in one call for each device; at most so many bytes on each.</summary>
    internal void Submit(long bytesMax)
    {
        HasPending = false;
        for (int domain = 0; domain < _devices.Length; domain++)
        {
            List<DeviceRequest> pending = _pending[domain];
            int count = 0;
            for (long bytes = 0; count < pending.Count && bytes < bytesMax; count++)
                bytes += pending[count].Buffer != 0 ? pending[count].Length : 0;
            if (count == 0)
                continue;
            InFlight += count;
            _devices[domain].Submit(CollectionsMarshal.AsSpan(pending)[..count]);
            pending.RemoveRange(0, count);
            HasPending |= pending.Count > 0;
        }
    }

    /// <summary>Moves completions of a domain out, and lets go of the buffers that they held.</summary>
    internal ReadOnlySpan<DeviceCompletion> Reap(int domain)
    {
        int count = _devices[domain].Reap(_completions);
        InFlight -= count;
        for (int i = 0; i < count; i++)
            Release(domain, (int)_completions[i].Tag);

        return _completions.AsSpan(0, count);
    }

    void ILoopWork.Run()
    {
        if (_owner is not null)
            return;
        for (int domain = 0; domain < _devices.Length; domain++)
        {
            while (!Reap(domain).IsEmpty)
            {
            }
        }
    }

    private void Release(int domain, int operation)
    {
        ref RingMemory? memory = ref _held[domain][operation];
        memory?.LetGo();
        memory = null;
    }

    private void SignalOwner()
    {
        ActorRef? owner = _owner;
        if (owner is null)
            _post(this);
        else
            owner.Tell(DeviceReady.Instance);
    }
}
