using System.Text.Json;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Catalog;

/// <summary>The command line against the running service: both sides of the admin API are the real ones.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public void What_the_service_answers_is_what_the_commands_read()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        using NbdClient client = NbdClient.Open(service, "d1");
        Assert.Equal(0u, client.CallWrite(0, new byte[4096]));
        Assert.Equal(0u, client.Call(NbdClient.Flush));

        Assert.Contains("vol0", service.Ask("volume", "list").Succeeded().Output);
        Assert.Contains("g1", service.Ask("guest", "list").Succeeded().Output);
        Assert.Contains("d1", service.Ask("disk", "show", "d1").Succeeded().Output);
        Assert.Contains("revision 1", service.Ask("guest", "set", "web", "--weight", "250").Succeeded().Output);
        Assert.Contains("250", service.Ask("guest", "show", "web").Succeeded().Output);
        Assert.Contains("declared", service.Ask("guest", "set", "g0", "--weight", "5").Error);
        Assert.Contains("web", service.Ask("history").Succeeded().Output);
        Assert.Matches("^name +local\nrole +operator$", service.Ask("whoami").Succeeded().Output);
        Assert.Equal("volume groups: read anew", service.Ask("rescan").Succeeded().Output);
        Assert.Equal("""{"faults":[]}""", service.Ask("fault", "list", "--json").Succeeded().Output);
        _ = service.Ask("identity", "set", "i", "--type", "unix-uid", "--value", "12345", "--guest", "web").Succeeded();
        Assert.Contains("--open", service.Ask("identity", "delete", "i").Error);
        _ = service.Ask("identity", "delete", "i", "--open").Succeeded();

        JsonElement ring = JsonDocument.Parse(service.Ask("ring", "list", "--json").Succeeded().Output).RootElement.GetProperty("items")[0];
        Assert.Equal("d1", ring.GetProperty("disk").GetString());
        string top = service.Ask("top", "--once").Succeeded().Output;
        Assert.Contains("g1", top);
        Assert.Contains("vol0", top);
        _ = service.Ask("ring", "close", ring.GetProperty("id").ToString()).Succeeded();
        _ = service.Ask("guest", "delete", "web").Succeeded();

        // From here on it takes the token.
        string token = service.Ask("token", "create", "ci", "--role", "viewer").Succeeded().Output.Trim();
        Assert.NotEqual(0, service.Ask("guest", "list").Status);
        string file = directory.File("token");
        File.WriteAllText(file, token);
        Assert.Contains("g1", service.Ask("guest", "list", "--token-file", file).Succeeded().Output);
        Assert.Equal("""{"name":"token ci","role":"viewer"}""", service.Ask("whoami", "--json", "--token-file", file).Succeeded().Output);
        Assert.NotEqual(0, service.Ask("rescan", "--token-file", file).Status);
        service.AssertNothingBroke();
    }
}
