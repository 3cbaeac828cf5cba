using System.Net.Sockets;

namespace Scheduler.FrontEnd;

/// <summary>The file of a Unix socket that is to be listened on.</summary>
public static class UnixSocketFile
{
    /// <summary>Makes its directory, and removes a socket that a killed process has left there. Nothing else is removed.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="IOException">Something else is there, or somebody listens.</exception>
    public static void Prepare(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory)
            _ = Directory.CreateDirectory(directory);
        if (!File.Exists(path))
            return;
        if (IsOpenable(path))
            throw new IOException($"can't listen on unix:{path}: a file that is no socket is there; choose another path");
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }

        throw new IOException($"can't listen on unix:{path}: somebody does already; stop that process or choose another path");
    }

    // Opening a socket's file fails (ENXIO), whoever asks.
    private static bool IsOpenable(string path)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
