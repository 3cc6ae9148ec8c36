package ntconform

import "slices"

// Scenes are all scenes, by rows of the reference.
func Scenes() []Scene {
	return slices.Concat(scenesCreate, scenesConnect, scenesListen, scenesAccept, scenesComplete, scenesDatagram,
		scenesRequest, scenesReply, scenesReceive, scenesReplyWait, scenesImpersonate, scenesRequestData, scenesQuery,
		scenesTerminate, scenesStates, scenesMatch, scenesLoss, scenesKernelMade, scenesPorts, scenesClose, scenesThread,
		scenesCommon, scenesViews, scenesContext, scenesCallback, scenesPointers)
}

// scene is a Scene from steps and lists of steps.
func scene(name string, steps ...any) Scene { return needing(0, name, steps...) }

func needing(n Needs, name string, steps ...any) Scene {
	s := Scene{Name: name, Needs: n}
	for _, x := range steps {
		switch x := x.(type) {
		case Step:
			s.Steps = append(s.Steps, x)
		case []Step:
			s.Steps = append(s.Steps, x...)
		}
	}
	return s
}
